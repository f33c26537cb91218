"""Letters as a reader's browser shows them: language, headings, sizes, contrast, and nothing fetched from anywhere."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Browser
from tests.browser import IN_A_BROWSER
from tests.unit.answer.test_letters import facts
from tests.unit.answer.test_notices_everywhere import mixed

from whosaw.answer import write_notice
from whosaw.answer.letters import LANGUAGES

pytestmark = IN_A_BROWSER

# WCAG 2.2: relative luminance, then the ratio of the lighter to the darker; sizes in CSS pixels (10 pt = 13.33 px)
READ = """() => {
  const rgb = (text) => text.match(/[0-9.]+/g).map(Number);
  const light = (text) => {
    const [r, g, b] = rgb(text).slice(0, 3).map((c) => c / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (rgb(colour)[3] !== 0) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const texts = [...document.querySelectorAll('h1, h2, p, li, a')];
  return {
    lang: document.documentElement.lang,
    title: document.title,
    headings: [...document.querySelectorAll('h1, h2, h3, h4')].map((each) => each.tagName),
    main: document.querySelectorAll('main').length,
    outside: [...document.body.querySelectorAll('*')].filter((each) => !each.closest('main')).length,
    images: document.images.length, scripts: document.scripts.length,
    links: [...document.links].map((each) => [each.href, each.textContent]),
    empty: texts.filter((each) => !each.textContent.trim()).length,
    loose: [...document.querySelectorAll('li')].filter((each) => each.parentElement.tagName !== 'UL').length,
    sizes: texts.map((each) => parseFloat(getComputedStyle(each).fontSize)),
    ratios: texts.map((each) => {
      const pair = [light(getComputedStyle(each).color), light(behind(each))].sort((a, b) => b - a);
      return (pair[0] + 0.05) / (pair[1] + 0.05);
    }),
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  };
}"""


async def test_letters_in_every_language_are_readable_and_fetch_nothing(chromium: Browser) -> None:
    now = facts(steps=("suspend_actor",))
    for width in (320, 1280):
        page = await chromium.new_page(viewport={"width": width, "height": 900})
        asked: list[str] = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        for language in LANGUAGES:
            for case, person in ((now, now.persons[0]), (now, now.persons[2]), (mixed(), mixed().persons[1])):
                letter = write_notice(case, person, name="Ann <b>Example</b>", language=language)
                await page.set_content(letter.html)
                check(await page.evaluate(READ), language, letter.title)
        assert [url for url in asked if not url.startswith(("data:", "about:"))] == []
        await page.close()


def check(seen: dict[str, Any], language: str, title: str) -> None:
    assert seen["lang"] == language
    assert seen["title"] == title
    assert seen["headings"] == ["H1", *["H2"] * 5]
    assert (seen["main"], seen["outside"], seen["images"], seen["scripts"]) == (1, 0, 0, 0)
    assert (seen["empty"], seen["loose"], seen["wide"]) == (0, 0, 0)
    assert min(seen["sizes"]) >= 13.3
    assert min(seen["ratios"]) >= 4.5
    assert [href for href, _ in seen["links"]] == ["mailto:privacy@shop.example"] * 2
    assert all(text.strip() for _, text in seen["links"])


async def test_the_check_of_readability_can_fail(chromium: Browser) -> None:
    page = await chromium.new_page()
    await page.set_content(
        "<html><body style='color:#aaa;background:#fff'><main><h1>x</h1><p>pale</p></main></body></html>"
    )
    seen = await page.evaluate(READ)
    assert min(seen["ratios"]) < 4.5 and seen["lang"] == ""
    await page.close()
