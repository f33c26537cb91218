"""The bundle as CASE 1.5 / UCO 1.5 JSON-LD: the investigation, its actions, files by hash, and where each came from.

Source: https://caseontology.org, version 1.5.0. Only terms of these ontologies are used, and no person is named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid5

from whosaw.answer.bundletexts import as_json
from whosaw.answer.step import Step

_SPACE = UUID("0f4b3f3e-7d0e-5a57-9a55-6c1d2f0a9b11")
_CONTEXT = {
    "kb": "http://example.org/kb/",
    "case-investigation": "https://ontology.caseontology.org/case/investigation/",
    "uco-action": "https://ontology.unifiedcyberontology.org/uco/action/",
    "uco-core": "https://ontology.unifiedcyberontology.org/uco/core/",
    "uco-identity": "https://ontology.unifiedcyberontology.org/uco/identity/",
    "uco-observable": "https://ontology.unifiedcyberontology.org/uco/observable/",
    "uco-tool": "https://ontology.unifiedcyberontology.org/uco/tool/",
    "uco-types": "https://ontology.unifiedcyberontology.org/uco/types/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}


def case_ontology(
    case: str, files: Mapping[str, bytes], steps: Sequence[Step], *, version: str, built_at: datetime
) -> bytes:
    """Return the JSON-LD of a bundle.

    Args:
        case: the case's id.
        files: of the bundle, by name.
        steps: what was done in the case.
        version: of whosaw.
        built_at: when the bundle was built.
    """

    def name(kind: str, what: str) -> str:
        return f"kb:{kind}-{uuid5(_SPACE, f'{case} {kind} {what}')}"

    tool, build = name("tool", version), name("action", "build")
    listed = {each: name("file", each) for each in sorted(files)}
    graph: list[dict[str, Any]] = [
        {
            "@id": name("investigation", case),
            "@type": "case-investigation:Investigation",
            "uco-core:name": case,
            "case-investigation:focus": ["disclosure of customers' data"],
            "uco-core:object": [{"@id": each} for each in (build, *listed.values())],
        },
        {"@id": tool, "@type": "uco-tool:Tool", "uco-core:name": "whosaw", "uco-tool:version": version},
        {
            "@id": build,
            "@type": "case-investigation:InvestigativeAction",
            "uco-core:name": "evidence built",
            "uco-action:startTime": _time(built_at),
            "uco-action:instrument": {"@id": tool},
            "uco-action:result": [{"@id": each} for each in listed.values()],
        },
    ]
    for step in steps:
        if step.state in {"done", "undone"}:
            graph.append(
                {
                    "@id": name("action", step.id),
                    "@type": "case-investigation:InvestigativeAction",
                    "uco-core:name": step.kind,
                    "uco-core:description": f"{step.id}, {step.state}, trail entry {step.entry}",
                    "uco-action:instrument": {"@id": tool},
                }
            )
    for number, (file, identity) in enumerate(listed.items(), 1):
        graph += [
            _file(
                identity, file, files[file], (name("facet-file", file), name("facet-content", file), name("hash", file))
            ),
            {
                "@id": name("provenance", file),
                "@type": "case-investigation:ProvenanceRecord",
                "case-investigation:exhibitNumber": f"{case}-{number}",
                "uco-core:object": [{"@id": identity}],
            },
        ]
    return as_json({"@context": _CONTEXT, "@graph": graph})


def _file(identity: str, name: str, body: bytes, ids: tuple[str, str, str]) -> dict[str, Any]:
    about, content, digest = ids
    return {
        "@id": identity,
        "@type": "uco-observable:File",
        "uco-core:hasFacet": [
            {
                "@id": about,
                "@type": "uco-observable:FileFacet",
                "uco-observable:fileName": name.rpartition("/")[2],
                "uco-observable:filePath": name,
                "uco-observable:sizeInBytes": {"@type": "xsd:integer", "@value": str(len(body))},
            },
            {
                "@id": content,
                "@type": "uco-observable:ContentDataFacet",
                "uco-observable:hash": [
                    {
                        "@id": digest,
                        "@type": "uco-types:Hash",
                        "uco-types:hashMethod": "SHA256",
                        "uco-types:hashValue": {"@type": "xsd:hexBinary", "@value": sha256(body).hexdigest()},
                    }
                ],
            },
        ],
    }


def _time(at: datetime) -> dict[str, str]:
    return {"@type": "xsd:dateTime", "@value": at.isoformat()}
