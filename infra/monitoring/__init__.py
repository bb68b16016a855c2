"""What shows how a stack does: a dashboard, alarms, and the topic that tells of them."""

from infra.monitoring.component import Monitoring, MonitoringArgs
from infra.monitoring.watched import Watched

__all__ = ["Monitoring", "MonitoringArgs", "Watched"]
