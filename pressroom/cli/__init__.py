"""The command line. Each command is a module of its own, imported when it is called."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence

import click

from pressroom.errors import PressroomError

# name: where its click command is. Modules import what is slow inside their functions, so that --help stays quick.
COMMANDS: Mapping[str, str] = {
    "up": "pressroom.cli.up:up",
    "init": "pressroom.cli.init:init",
    "newsroom": "pressroom.cli.newsroom:newsroom",
    "user": "pressroom.cli.user:user",
    "push": "pressroom.cli.push:push",
    "sheet": "pressroom.cli.sheet:sheet",
    "review": "pressroom.cli.review:review",
    "publish": "pressroom.cli.publish:publish",
    "unschedule": "pressroom.cli.embargo:unschedule",
    "embargo": "pressroom.cli.embargo:embargo",
    "correct": "pressroom.cli.correct:correct",
    "retract": "pressroom.cli.retract:retract",
    "vanish": "pressroom.cli.vanish:vanish",
    "stop": "pressroom.cli.stop:stop",
    "allow": "pressroom.cli.stop:allow",
    "audit": "pressroom.cli.audit:audit",
    "asset": "pressroom.cli.asset:asset",
    "list": "pressroom.cli.list_:list_",
    "beat": "pressroom.cli.beat:beat",
    "subscribers": "pressroom.cli.subscribers:subscribers",
    "mailing": "pressroom.cli.mailing:mailing",
    "bounces": "pressroom.cli.bounces:bounces",
    "suppression": "pressroom.cli.suppression:suppression",
    "export": "pressroom.cli.export:export",
    "doctor": "pressroom.cli.doctor:doctor",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="pressroom", message="%(version)s")
def pressroom() -> None:
    """Publishes statements as press releases: pages, feeds and mail, in every language they have."""


def main() -> None:
    """The console script. Exits 0, 1 for what went wrong at run time, 2 for wrong usage, 130 after Ctrl-C."""
    if not sys.flags.utf8_mode:
        # feedgen sets the locale of the whole process; in UTF-8 mode that cannot change how text is encoded.
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 -- no shell is meant
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Runs one command and returns its exit code; errors are one plain sentence on stderr, never a traceback."""
    try:
        result = pressroom.main(args=list(arguments), prog_name="pressroom", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "pressroom"
        return _say(f"{error.format_message()} See {command} --help.", 2)
    except click.ClickException as error:
        return _say(error.format_message(), 1)
    except PressroomError as error:
        return _say(error.message, 1)
    except (click.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:
        # The reader has gone; a second complaint at exit, when stdout is flushed, would help nobody.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get("PRESSROOM_DEBUG") == "1":
            raise
        # Its text may hold an address.
        return _say(f"Pressroom failed ({type(error).__name__}): run it with PRESSROOM_DEBUG=1 to see where.", 1)
    return result if isinstance(result, int) else 0


def _say(sentence: str, code: int) -> int:
    click.echo(sentence, err=True)
    return code
