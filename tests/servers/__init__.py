"""Other people's servers: real ones where they are installed, stand-ins where they can't be run."""
