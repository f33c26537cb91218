"""Names and two-letter codes of countries, in English and in their own languages: what an address may keep.

Names: the region names of the ``phonenumbers`` project (Apache-2.0), with the names people write beside them.
"""

from __future__ import annotations

_NAMES = """
ad, ae, af, afghanistan, ag, ai, al, albania, algeria, am, american samoa, an, andorra, angola, anguilla, antarctica,
antigua and barbuda, ao, aq, ar, argentina, armenia, aruba, as, at, au, australia, austria, aw, ax, az, azerbaijan,
ba, bahamas, bahrain, bangladesh, barbados, bb, bd, be, belarus, belgien, belgique, belgium, belgië, belize, benin,
bermuda, bf, bg, bh, bhutan, bi, bj, bl, bm, bn, bo, bolivia, bonaire; sint eustatius and saba, bosnia and
herzegovina, botswana, bouvet island, bq, br, brasil, brazil, british indian ocean territory, british virgin islands,
brunei, bs, bt, bulgaria, burkina faso, burundi, bv, bw, by, bz, ca, cambodia, cameroon, canada, cape verde, cayman
islands, cc, cd, central african republic, cf, cg, ch, chad, chile, china, christmas island, ci, ck, cl, cm, cn, co,
cocos islands, colombia, comoros, congo, cook islands, costa rica, cr, croatia, cu, cuba, curaçao, cv, cw, cx, cy,
cyprus, cz, czech republic, czechia, côte d'ivoire, danmark, de, denmark, deutschland, dj, djibouti, dk, dm, do,
dominica, dominican republic, dz, ec, ecuador, ee, eesti, eg, egypt, eh, el salvador, england, equatorial guinea, er,
eritrea, es, españa, estonia, et, ethiopia, falkland islands, faroe islands, fi, fiji, finland, fj, fk, fm, fo, fr,
france, french guiana, french polynesia, french southern territories, ga, gabon, gambia, gb, gd, ge, georgia, germany,
gf, gg, gh, ghana, gi, gibraltar, gl, gm, gn, gp, gq, gr, great britain, greece, greenland, grenada, gs, gt, gu,
guadeloupe, guam, guatemala, guernsey, guinea, guinea-bissau, guyana, gw, gy, haiti, heard island and mcdonald
islands, hk, hm, hn, holland, honduras, hong kong, hr, hrvatska, ht, hu, hungary, iceland, id, ie, il, im, in, india,
indonesia, io, iq, ir, iran, iraq, ireland, is, isle of man, israel, it, italia, italy, jamaica, japan, je, jersey,
jm, jo, jordan, jp, kazakhstan, ke, kenya, kg, kh, ki, kiribati, km, kn, korea, kp, kr, kuwait, kw, ky, kyrgyzstan,
kz, la, laos, latvia, latvija, lb, lc, lebanon, lesotho, li, liberia, libya, liechtenstein, lietuva, lithuania, lk,
lr, ls, lt, lu, luxembourg, luxemburg, lv, ly, ma, macao, macedonia, madagascar, magyarország, malawi, malaysia,
maldives, mali, malta, marshall islands, martinique, mauritania, mauritius, mayotte, mc, md, me, mexico, mf, mg, mh,
micronesia, mk, ml, mm, mn, mo, moldova, monaco, mongolia, montenegro, montserrat, morocco, mozambique, mp, mq, mr,
ms, mt, mu, mv, mw, mx, my, myanmar, mz, méxico, na, namibia, nauru, nc, ne, nederland, nepal, netherlands,
netherlands antilles, new caledonia, new zealand, nf, ng, ni, nicaragua, niger, nigeria, niue, nl, no, norfolk island,
norge, north korea, northern ireland, northern mariana islands, norway, np, nr, nu, nz, om, oman, pa, pakistan, palau,
palestine, panama, papua new guinea, paraguay, pe, peru, perú, pf, pg, ph, philippines, pitcairn, pk, pl, pm, pn,
poland, polska, portugal, pr, ps, pt, puerto rico, pw, py, qa, qatar, re, reunion, ro, romania, românia, rs, ru,
russia, rw, rwanda, sa, saint barthélemy, saint helena, saint kitts and nevis, saint lucia, saint martin, saint pierre
and miquelon, saint vincent and the grenadines, samoa, san marino, sao tome and principe, saudi arabia, sb, sc,
schweiz, scotland, sd, se, senegal, serbia, seychelles, sg, sh, shqipëria, si, sierra leone, singapore, sint maarten
(dutch part), sj, sk, sl, slovakia, slovenia, slovenija, slovensko, slovenská republika, sm, sn, so, solomon islands,
somalia, south africa, south georgia and the south sandwich islands, south korea, south sudan, spain, sr, sri lanka,
ss, st, sudan, suisse, suomi, suriname, sv, svalbard and jan mayen, sverige, svizzera, swaziland, sweden, switzerland,
sx, sy, syria, sz, taiwan, tajikistan, tanzania, tc, td, tf, tg, th, thailand, the democratic republic of congo, the
netherlands, timor-leste, tj, tk, tl, tm, tn, to, togo, tokelau, tonga, tr, trinidad and tobago, tt, tunisia, turkey,
turkiye, turkmenistan, turks and caicos islands, tuvalu, tv, tw, tz, türkiye, u.s. virgin islands, ua, ug, uganda, uk,
ukraine, um, united arab emirates, united kingdom, united states, united states minor outlying islands, united states
of america, uruguay, us, usa, uy, uz, uzbekistan, va, vanuatu, vatican, vc, ve, venezuela, vg, vi, vietnam, việt nam,
vn, vu, wales, wallis and futuna, western sahara, wf, ws, ye, yemen, yt, za, zambia, zimbabwe, zm, zw, åland islands,
éire, ísland, österreich, česko, česká republika, ελλάδα, κύπροσ, българия, россия, україна, ישראל, السعودية, مصر,
भारत, ประเทศไทย, 中国, 台湾地区, 日本, 香港, 대한민국
"""

COUNTRIES: frozenset[str] = frozenset(name.strip() for name in _NAMES.replace("\n", " ").split(",") if name.strip())
"""Case-folded."""
