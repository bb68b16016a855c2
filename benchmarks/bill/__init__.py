"""What AWS would ask for: what was used, counted at the embedded AWS, and its price."""
