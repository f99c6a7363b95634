"""`normstat schema`: print the JSON Schema of what normstat writes."""

import click
import msgspec

from normstat.diagnosis import Diagnosis
from normstat.difference import Difference
from normstat.gate import Report
from normstat.spec.files import dump_text
from normstat.spec.model import Spec

DOCUMENTS = {
    "spec": Spec, "comparison": Report, "difference": Difference, "diagnosis": Diagnosis,
}  # fmt: skip


@click.command()
@click.argument("document", type=click.Choice(list(DOCUMENTS)), default="spec")
def schema(*, document: str) -> None:
    """Print the JSON Schema of DOCUMENT: a spec, or what a command prints as JSON."""
    draft = "https://json-schema.org/draft/2020-12/schema"
    content = {"$schema": draft, **msgspec.json.schema(DOCUMENTS[document])}
    click.echo(dump_text(content, yaml=False), nl=False)
