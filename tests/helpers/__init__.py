"""What several test files share. No test file imports from another test file."""
