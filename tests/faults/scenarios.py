"""All scenarios of the fault schedule."""

from collections.abc import Sequence

from tests.faults.documents import SCENARIOS as OF_DOCUMENTS
from tests.faults.labels import SCENARIOS as OF_LABELS
from tests.faults.schedule import Scenario

SCENARIOS: Sequence[Scenario] = (*OF_DOCUMENTS, *OF_LABELS)
