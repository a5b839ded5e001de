"""The doctor: looks at the sending domains, the relay and this machine, and says what to do. It changes nothing."""
