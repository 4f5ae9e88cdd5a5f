# tests/talk
