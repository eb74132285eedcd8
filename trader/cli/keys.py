"""`python start.py keys`: API keys by name, in the system's keyring or an encrypted file; nothing shows them again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from trader.cli.common import ConfigOption, SetOption, read_settings
from trader.core.errors import ConfigError
from trader.core.settings import Settings
from trader.engine import logs
from trader.engine.keys.key import ED25519, PEM_HEAD, Key, checked_api_key, checked_name, checked_secret, public_text
from trader.engine.keys.passphrase import asked
from trader.engine.keys.stores import KeyStore, holder_of, stores
from trader.engine.redaction import redactor

EXAMPLES = ("add main", "list", "remove main")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="What the key is called here, e.g. main.")]


def commands() -> typer.Typer:
    """Return the group of commands."""
    group = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode="rich",
        help="Keep API keys in the system's keyring, or in a file encrypted under a passphrase. KEY_NAME uses one.",
    )
    every: tuple[tuple[str, Callable[..., Any], tuple[str, ...]], ...] = (
        ("add", add_command, ("main", "main --pem private.pem", "main < two-lines.txt")),
        ("list", list_command, ("",)),
        ("remove", remove_command, ("main",)),
    )
    for name, function, examples in every:
        lines = [f"python start.py keys {name} {example}".rstrip() for example in examples]
        group.command(name, epilog="\n\n".join(["Examples:", *lines]))(function)
    return group


def add_command(
    name: NameArgument,
    pem: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The private key of an Ed25519 pair, in place of a secret.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Put it in place of the key of that name.")] = False,
    settings: SetOption = None,
    config: ConfigOption = None,
) -> None:
    """Store a key: it is asked for without echo, or read from standard input, the API key first and then its secret.

    The secret is an HMAC secret, or the PEM text of an Ed25519 private key. Neither may be an option: those are seen
    by everyone on this machine.
    """
    chosen = _prepare(settings, config)
    checked_name(name)
    every = stores(chosen)
    store = _place_for(every, name, replace)
    api_key, secret = _typed(pem) if sys.stdin.isatty() else _piped(pem)
    for each in (api_key, secret):
        redactor.remember(each)
    key = Key(name, checked_api_key(api_key), checked_secret(secret), datetime.now(UTC).date().isoformat())
    redactor.remember(key.secret)
    store.put(key)
    say(f"{name} ({key.kind}) is in {store}; KEY_NAME={name} uses it")
    if key.kind == ED25519:
        say(f"its public key, as Binance's API Management takes it:\n{public_text(key.secret)}")


def list_command(settings: SetOption = None, config: ConfigOption = None) -> None:
    """Name the stored keys, how they sign, since when they are here, and where; never what they are."""
    rows = [(entry, store) for store in stores(_prepare(settings, config)) for entry in store.entries()]
    for entry, store in rows:
        say(f"{entry.name:<20} {entry.kind:<8} {entry.added}  {store}")
    if not rows:
        say("no key is stored: python start.py keys add NAME")


def remove_command(name: NameArgument, settings: SetOption = None, config: ConfigOption = None) -> None:
    """Remove a key from here. At Binance it stays what it is: delete it there too when nobody needs it."""
    store = holder_of(_prepare(settings, config), checked_name(name))
    store.remove(name)
    say(f"{name} is no more in {store}; at Binance it still is, until it is deleted there")


def say(text: str) -> None:
    """Print without secrets."""
    typer.echo(redactor.hide(text))


def _prepare(settings: SetOption, config: ConfigOption) -> Settings:
    chosen = read_settings(settings, config).settings
    logs.configure(chosen.model_copy(update={"LOG_FILE": ""}), None, quiet=True)
    return chosen


def _place_for(every: list[KeyStore], name: str, replace: bool) -> KeyStore:
    """Return the store that a key goes into: the first, or where one of its name is that is to be replaced."""
    for store in every:
        if name in {entry.name for entry in store.entries()}:
            if not replace:
                raise ConfigError(f"a key {name!r} is in {store} already; --replace puts another in its place")
            return store
    return every[0]


def _typed(pem: Path | None) -> tuple[str, str]:
    api_key = checked_api_key(asked("API key"))
    return api_key, _from_file(pem) if pem else asked("secret")


def _piped(pem: Path | None) -> tuple[str, str]:
    """Read the API key, and behind it the secret, from standard input."""
    api_key, _, rest = sys.stdin.read().lstrip().partition("\n")
    if pem is None and not rest.strip():
        raise ConfigError("standard input has no secret: allowed are two lines, the API key and its secret, or --pem")
    return api_key, _from_file(pem) if pem else rest


def _from_file(path: Path) -> str:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"--pem {path} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}"
        ) from None
    if PEM_HEAD not in text:
        raise ConfigError(f"--pem {path} has no private key in it; allowed: PEM text (-----BEGIN PRIVATE KEY-----)")
    return text[text.index(PEM_HEAD) :]
