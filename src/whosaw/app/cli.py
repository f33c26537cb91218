"""The commands. Each is imported when it is called, so that one extra's absence hurts no other command."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError
from rich.console import Console

from whosaw import __version__

app = App(
    name="whosaw",
    help="Who saw this person's data, why, and who passed it on.",
    version=__version__,
    result_action="return_value",
    exit_on_error=False,
    print_error=False,
    suppress_keyboard_interrupt=False,
)
app.command("whosaw.app.commands.who:who", name="who")
app.command("whosaw.app.commands.imports:import_", name="import")
app.command("whosaw.app.commands.traces:trace", name="trace")
app.command("whosaw.app.commands.serving:serve", name="serve")
app.command("whosaw.app.commands.checking:check", name="check")
app.command("whosaw.app.commands.checking:fsck", name="fsck")
app.command("whosaw.app.commands.demo:demo", name="demo")
user = App(name="user", help="Give staff personal tokens; stop them and let them in again.")
user.command("whosaw.app.commands.users:add", name="add")
user.command("whosaw.app.commands.users:suspend", name="suspend")
user.command("whosaw.app.commands.users:restore", name="restore")
app.command(user)


@app.command(name="verify")
def verify(*arguments: str) -> None:
    """Check an evidence bundle offline (`whosaw verify --help`)."""
    raise SystemExit(f"call it as: whosaw verify {' '.join(arguments)}")  # the entry point answers it before


def run(arguments: Sequence[str]) -> int:
    """Run the command that `arguments` name and return its exit code."""
    errors = Console(stderr=True)
    try:
        outcome = app(list(arguments), console=Console(), error_console=errors)
    except CycloptsError as problem:
        errors.print(f"error: {problem} [app.usage]", markup=False, highlight=False)
        errors.print("hint: whosaw --help lists the commands", markup=False, highlight=False)
        return 2
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 2
    return outcome if isinstance(outcome, int) else 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
