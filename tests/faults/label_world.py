"""What others write: labels and vectors, past the flow."""

import uuid
from collections import defaultdict
from collections.abc import Iterable

from functions.completions.entities import Receipt, ReceiptWordLabel
from tests.faults.label_invariants import NAMESPACE, metadata
from tests.faults.world import World


def put(world: World, entities: Iterable[Receipt | ReceiptWordLabel]) -> None:
    """Write items of the label table."""
    world.stack.put_items("labelTableName", [entity.to_item() for entity in entities])


def decide(world: World, label: ReceiptWordLabel) -> None:
    """A person says how a label stands, and has its word projected, as whoever changes one.

    The mark has a version of its own each time: of two with the same one, the second would go when
    the first has been projected.
    """
    put(world, [label.model_copy(update={"projection": str(uuid.uuid4())})])


def add_vectors(world: World, labels: Iterable[ReceiptWordLabel]) -> None:
    """Give the words of these labels, which are all of theirs, vectors that show them."""
    words = defaultdict(list)
    for label in labels:
        words[label.id.word.vector_id].append(label.to_item())
    vectors = [
        {"id": word, "values": [1.0], "metadata": metadata(items)} for word, items in words.items()
    ]
    world.pinecone._vectors.upsert({"vectors": vectors, "namespace": NAMESPACE})
