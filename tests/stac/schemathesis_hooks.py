"""Loaded by schemathesis itself (SCHEMATHESIS_HOOKS): values of a wrong type are made once for each schema, not for each
parameter of each operation. In a path every value is text, so that for some types none is wrong; schemathesis looks for one
for two seconds, each time in vain. The cases are the same, and come in a minute and a half less."""
import json

from schemathesis.generation import coverage

make, made = coverage._negative_type, {}


def make_all(ctx, wanted, schema):
    values = []
    try:
        for value in make(ctx, wanted, coverage.HashSet(), schema):
            values.append(value)
    except Exception as error:  # noqa: BLE001: it is for who asks, as if it were made again
        return values, error
    return values, None


def negative_type(ctx, wanted, seen, schema):
    key = json.dumps([wanted, schema, str(ctx.location), ctx.media_type, ctx.path == ["type"]], sort_keys=True, default=str)
    if key not in made:
        made[key] = make_all(ctx, wanted, schema)
    values, error = made[key]
    for value in values:
        if seen.insert(value.value) and ctx.is_valid_for_location(value.value):
            yield coverage.NegativeValue(value.value, scenario=value.scenario, description=value.description, location=ctx.current_path)
    if error:
        raise error


coverage._negative_type = negative_type
