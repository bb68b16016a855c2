"""The same Pulumi program, deployed onto an AWS that runs inside this machine."""
