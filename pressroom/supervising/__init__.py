"""All of the service on one machine: finds or starts what it needs, and keeps its processes alive together."""
