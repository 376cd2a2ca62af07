"""The check of a server: what it finds out about stand-ins with known habits."""
