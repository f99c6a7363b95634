import json

import jsonschema
import pytest

import normstat
from normstat.spec.files import dumps


@pytest.fixture
def schema(run):
    code, out, err = run("schema")
    assert (code, err) == (0, "")
    return json.loads(out)


@pytest.fixture
def spec(samples):
    return json.loads(dumps(normstat.compute(samples / "photos", samples / "odd")))


def test_schema_is_a_schema(schema):
    jsonschema.Draft202012Validator.check_schema(schema)


def test_specs_fit_the_schema(schema, spec):
    jsonschema.validate(spec, schema)


@pytest.mark.parametrize(
    "change", [{"mean": "0.5"}, {"normstat_spec": 2}, {"colour": 1}, {"max_pixel_value": 0}]
)
def test_what_is_no_spec_does_not_fit(schema, spec, change):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(spec | change, schema)
