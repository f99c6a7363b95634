"""`normstat schema`: print the JSON Schema of specs."""

import click
import msgspec

from normstat.spec.files import dump_text
from normstat.spec.model import Spec


@click.command()
def schema() -> None:
    """Print the JSON Schema that every spec fits, for editors and other programs."""
    content = msgspec.json.schema(Spec)
    click.echo(
        dump_text(
            {"$schema": "https://json-schema.org/draft/2020-12/schema", **content}, yaml=False
        ),
        nl=False,
    )
