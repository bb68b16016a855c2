"""A stand-in for a Pinecone index: the real SDK talks to it through ``host`` and cannot tell.

It holds vectors in memory and can be told to misbehave::

    with PineconeStandIn() as standin:
        standin.faults.add(Fault(operation="update", status=503, times=2))
        standin.latency["fetch"] = 0.3
        standin.update_rate = DOCUMENTED_UPDATE_RATE
        index = Pinecone(api_key="any").index(host=standin.host)
        ...
        assert standin.vectors("words")["a"].metadata["proposed_label"] == "DATE"

Operations are named as the SDK's methods are. Faults, latencies and the log of calls are the
OpenAI stand-in's.
"""

from local.standins.openai.faults import Fault
from local.standins.pinecone.rates import DOCUMENTED_UPDATE_RATE
from local.standins.pinecone.server import PineconeStandIn
from local.standins.pinecone.vectors import Vector

__all__ = ["DOCUMENTED_UPDATE_RATE", "Fault", "PineconeStandIn", "Vector"]
