"""Stand-ins for the services outside AWS: HTTP servers on loopback that hold real state."""
