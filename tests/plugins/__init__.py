"""What the tests of both plugins share."""
