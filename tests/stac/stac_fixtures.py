"""A service with the real items of the samples, and a folder of JSON Schemas that stand in for the net."""
import json
import re
from pathlib import Path

import pytest


def real_items(shared):
    """(collection, item) of all items that a catalogue can hold; those without a collection get one."""
    items = []
    for path in sorted((shared / "data/stac/items").glob("*.ndjson")):
        for line in path.read_text().splitlines():
            item = json.loads(line)
            item.setdefault("collection", "loose")
            items.append(item)
    return items


@pytest.fixture(scope="session")
def catalogue(make_lasting_service, shared):
    """All real items and collections; `.items` are those that were accepted."""
    service = make_lasting_service(workers=1)
    # one sample is not STAC: its summaries hold a plain string
    good = [p for p in sorted((shared / "data/stac/collections").glob("*.json")) if p.stem != "cnes-geodes__PEPS_S1_L1"]
    service.command("catalog", "add", *good)
    lines = "\n".join(json.dumps(item) for item in real_items(shared))
    done = service.command("catalog", "add", "-", input=lines, check=False)
    refused = {int(m) for m in re.findall(r"sentier: -:(\d+):", done.stderr)}
    service.refused = done.stderr
    service.items = [item for i, item in enumerate(real_items(shared), 1) if i not in refused]
    service.stac = service.base + "/stac"
    return service


@pytest.fixture(scope="session")
def everything(make_lasting_service, shared):
    """All real items and collections (`.refused` names what was not taken); `root` may write."""
    service = make_lasting_service(workers=1)
    service.add_user("root", role="admin")
    service.stac = service.base + "/stac"
    given = sorted((shared / "data/stac/collections").glob("*.json"))
    service.command("catalog", "add", *given)
    service.given_collections = {json.loads(p.read_text())["id"] for p in given}
    items = real_items(shared)
    service.refused = service.command("catalog", "add", "-", input="\n".join(map(json.dumps, items)), check=False).stderr
    refused = {int(m) for m in re.findall(r"-:(\d+):", service.refused)}
    service.items = [item for i, item in enumerate(items, 1) if i not in refused]
    return service


class Schemas:
    """Validates STAC objects by the schemas beside the checkout; extensions without one are left out."""

    def __init__(self, root):
        import referencing
        from referencing.jsonschema import DRAFT7

        self.registry, self.known = referencing.Registry(), set()
        spec = root / "stac-spec"
        places = [(p, f"https://schemas.stacspec.org/v1.0.0/{p.relative_to(spec / 'v1.0.0')}")
                  for p in (spec / "v1.0.0").rglob("*.json") if "examples" not in p.parts]
        places += [(p, f"https://schemas.stacspec.org/v1.1.0/item-spec/json-schema/{p.name}")
                   for p in (spec / "v1.1.0/json-schema").rglob("*.json")]
        places += [(p, f"https://geojson.org/schema/{p.name}") for p in (spec / "geojson").glob("*.json")]
        places += [(spec / "json-schema/draft-07.json", "http://json-schema.org/draft-07/schema")]
        places += [(p, f"https://stac-extensions.github.io/{p.relative_to(root / 'stac-extensions')}")
                   for p in (root / "stac-extensions").rglob("*.json") if "examples" not in p.parts]
        self.files = {}
        for path, uri in places:
            resource = referencing.Resource.from_contents(json.loads(path.read_text()), default_specification=DRAFT7)
            for name in {uri, resource.contents.get("$id", uri).rstrip("#")}:
                self.registry = self.registry.with_resource(name, resource)
                self.known.add(name)
                self.files[name] = path

    def errors(self, thing):
        import jsonschema

        version = thing["stac_version"]
        kind = {"Feature": "item", "Collection": "collection", "Catalog": "catalog"}[thing["type"]]
        base = f"https://schemas.stacspec.org/v{version}/{kind}-spec/json-schema/{kind}.json"
        found = []
        for uri in [base, *thing.get("stac_extensions", [])]:
            if uri.rstrip("#") not in self.known:
                continue
            schema = self.registry[uri.rstrip("#")].contents
            validator = jsonschema.Draft7Validator(schema, registry=self.registry)
            found += [f"{uri}: {'/'.join(map(str, e.path))}: {e.message[:300]}" for e in validator.iter_errors(thing)]
        return found


@pytest.fixture(scope="session")
def schemas(shared):
    return Schemas(shared / "specs/stac")
