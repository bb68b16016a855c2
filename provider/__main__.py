"""The plugin, as Pulumi starts it: it says its port and serves until it is told to end."""

import sys
from pathlib import Path

from pulumi.provider.experimental import component_provider_host

# Pulumi runs this folder as a program; what it wraps is beside it.
sys.path.insert(0, str(Path(__file__).parents[1]))

from provider.components import COMPONENTS, NAME

component_provider_host(components=list(COMPONENTS), name=NAME)
