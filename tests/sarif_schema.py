"""The schema of SARIF 2.1.0, written down as far as lrfix uses it and closed to the rest."""

from __future__ import annotations


def thing(required: str = "", **properties: object) -> dict[str, object]:
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def several(items: object) -> dict[str, object]:
    return {"type": "array", "items": items}


TEXT = {"type": "string", "minLength": 1}
FREE = {"type": "object"}
COUNT = {"type": "integer", "minimum": 1}
INDEX = {"type": "integer", "minimum": 0}
LEVEL = {"enum": ["error", "warning", "note"]}
MESSAGE = thing("text", text=TEXT)
BOTH = thing("text", text=TEXT, markdown=TEXT)
ARTIFACT = thing("uri", uri={"type": "string", "format": "uri-reference"}, uriBaseId=TEXT)
REGION = thing("startLine", startLine=COUNT, startColumn=COUNT, endLine=COUNT, endColumn=COUNT)
PLACE = thing("artifactLocation", artifactLocation=ARTIFACT, region=REGION)
LOCATION = thing("physicalLocation", physicalLocation=PLACE, id=INDEX, message=MESSAGE)
REPLACEMENT = thing("deletedRegion", deletedRegion=REGION, insertedContent=thing("text", text=TEXT))
CHANGE = thing(
    "artifactLocation replacements",
    artifactLocation=ARTIFACT,
    replacements={**several(REPLACEMENT), "minItems": 1},
)
FIX = thing("artifactChanges", description=MESSAGE, artifactChanges={**several(CHANGE), "minItems": 1})
RULE = thing(
    "id",
    id=TEXT,
    name=TEXT,
    shortDescription=BOTH,
    fullDescription=BOTH,
    help=BOTH,
    defaultConfiguration=thing(level=LEVEL),
    properties=FREE,
)
RESULT = thing(
    "message",
    ruleId=TEXT,
    ruleIndex=INDEX,
    level=LEVEL,
    message=MESSAGE,
    locations=several(LOCATION),
    relatedLocations={**several(LOCATION), "uniqueItems": True},
    partialFingerprints={"type": "object", "additionalProperties": TEXT},
    fixes={**several(FIX), "uniqueItems": True},
    properties=FREE,
)
NOTIFICATION = thing(
    "message", descriptor=thing(id=TEXT), level=LEVEL, message=MESSAGE, locations=several(LOCATION)
)  # fmt: skip
INVOCATION = thing(
    "executionSuccessful", executionSuccessful={"type": "boolean"}, toolExecutionNotifications=several(NOTIFICATION)
)
DRIVER = thing("name", name=TEXT, semanticVersion=TEXT, rules={**several(RULE), "uniqueItems": True})
RUN = thing(
    "tool",
    tool=thing("driver", driver=DRIVER),
    newlineSequences={**several(TEXT), "minItems": 1, "uniqueItems": True},
    columnKind={"enum": ["unicodeCodePoints", "utf16CodeUnits"]},
    invocations=several(INVOCATION),
    results=several(RESULT),
)
SCHEMA = thing(
    "version runs",
    **{"$schema": {"type": "string", "format": "uri"}, "version": {"const": "2.1.0"}, "runs": several(RUN)},
)
