"""Pages and figures of what was measured."""
