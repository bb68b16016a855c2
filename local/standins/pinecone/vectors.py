"""What the stand-in holds, and what each operation does to it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import RLock
from typing import Any

from local.standins.pinecone import checks
from local.standins.pinecone.errors import invalid
from local.standins.pinecone.filters import matches

Body = Mapping[str, Any]
_DEFAULT_NAMESPACE = "__default__"


@dataclass(frozen=True, kw_only=True)
class Vector:
    """A vector as it is stored."""

    id: str
    values: tuple[float, ...] = field(repr=False)
    metadata: Mapping[str, Any]

    def to_wire(self, *, with_values: bool = True, with_metadata: bool = True) -> dict[str, Any]:
        """The vector in an answer."""
        return {
            "id": self.id,
            **({"values": list(self.values)} if with_values else {}),
            **({"metadata": dict(self.metadata)} if with_metadata else {}),
        }


class Vectors:
    """Vectors by namespace and id. The first one decides the dimension if nobody did."""

    def __init__(self, dimension: int | None) -> None:
        self._lock = RLock()
        self._dimension = dimension
        self._namespaces: dict[str, dict[str, Vector]] = {}

    def of(self, namespace: str) -> dict[str, Vector]:
        """A copy of what a namespace holds."""
        with self._lock:
            return dict(self._namespaces.get(namespace or _DEFAULT_NAMESPACE, {}))

    def upsert(self, body: Body) -> dict[str, Any]:
        """Store whole vectors; all or none."""
        given = body.get("vectors")
        if not isinstance(given, list) or not given:
            raise invalid("vectors must be a list of at least one vector")
        if len(given) > checks.MOST_VECTORS:
            raise invalid(f"At most {checks.MOST_VECTORS} vectors a request, got {len(given)}")
        with self._lock:
            vectors: list[Vector] = []
            for vector in given:
                dimension = len(vectors[0].values) if vectors else self._dimension
                vectors.append(_read(vector, dimension))
            namespace = self._namespaces.setdefault(_namespace(body), {})
            namespace.update({vector.id: vector for vector in vectors})
            self._dimension = len(vectors[0].values)
        return {"upsertedCount": len(vectors)}

    def update(self, body: Body) -> dict[str, Any]:
        """Change one vector: metadata is merged. One that is not there is no error."""
        if "id" not in body:
            raise invalid("the stand-in updates by id alone")
        id_ = checks.vector_id(body["id"])
        changes = checks.metadata(body.get("setMetadata", {}))
        with self._lock:
            values = checks.values(body["values"], self._dimension) if "values" in body else None
            namespace = self._namespaces.get(_namespace(body), {})
            if (vector := namespace.get(id_)) is not None:
                merged = {**vector.metadata, **changes}
                checks.fits(merged)
                namespace[id_] = replace(vector, metadata=merged, values=values or vector.values)
        return {}

    def fetch(self, body: Body) -> dict[str, Any]:
        """Vectors by id; those that are not there are left out."""
        ids = body["ids"]
        if not 1 <= len(ids) <= checks.MOST_IDS:
            raise invalid(f"A fetch takes 1 to {checks.MOST_IDS} ids, got {len(ids)}")
        namespace = self.of(_namespace(body))
        found = {id_: namespace[id_].to_wire() for id_ in ids if id_ in namespace}
        return {
            "vectors": found,
            "namespace": body.get("namespace", ""),
            "usage": {"readUnits": math.ceil(len(ids) / 10)},
        }

    def query(self, body: Body) -> dict[str, Any]:
        """The vectors nearest to a vector, or to a stored one, by cosine."""
        most = checks.whole_number(body.get("topK"), "topK", checks.MOST_MATCHES)
        namespace = self.of(_namespace(body))
        wanted = self._wanted(body, namespace)
        scored = [
            (_cosine(wanted, vector.values), vector)
            for vector in namespace.values()
            if wanted and matches(body.get("filter", {}), vector.metadata)
        ]
        scored.sort(key=lambda found: (-found[0], found[1].id))
        return {
            "matches": [
                {
                    "score": score,
                    **vector.to_wire(
                        with_values=body.get("includeValues") is True,
                        with_metadata=body.get("includeMetadata") is True,
                    ),
                }
                for score, vector in scored[:most]
            ],
            "namespace": body.get("namespace", ""),
            "usage": {"readUnits": 1},
        }

    def describe_index_stats(self, _body: Body) -> dict[str, Any]:
        """How many vectors there are."""
        with self._lock:
            counts = {name: len(vectors) for name, vectors in self._namespaces.items()}
            dimension = self._dimension
        return {
            "namespaces": {name: {"vectorCount": count} for name, count in counts.items()},
            "dimension": dimension,
            "indexFullness": 0,
            "totalVectorCount": sum(counts.values()),
            "metric": "cosine",
            "vectorType": "dense",
        }

    def _wanted(self, body: Body, namespace: Mapping[str, Vector]) -> Sequence[float]:
        """What a query is near to; nothing if it names a vector that is not there."""
        if ("vector" in body) == ("id" in body):
            raise invalid("A query has either a vector or an id")
        if "vector" in body:
            return checks.values(body["vector"], self._dimension)
        stored = namespace.get(checks.vector_id(body["id"]))
        return stored.values if stored else ()


def _read(vector: Any, dimension: int | None) -> Vector:
    if not isinstance(vector, Mapping):
        raise invalid("a vector must be an object")
    metadata = checks.metadata(vector.get("metadata", {}))
    checks.fits(metadata)
    return Vector(
        id=checks.vector_id(vector.get("id")),
        values=checks.values(vector.get("values"), dimension),
        metadata=metadata,
    )


def _namespace(body: Body) -> str:
    namespace = body.get("namespace", "")
    if not isinstance(namespace, str):
        raise invalid("namespace must be a string")
    return namespace or _DEFAULT_NAMESPACE


def _cosine(a: Sequence[float], b: Sequence[float]) -> float:
    product = sum(x * y for x, y in zip(a, b, strict=True))
    return product / (math.hypot(*a) * math.hypot(*b))
