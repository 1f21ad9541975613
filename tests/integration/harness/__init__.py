"""What the end-to-end tests share: private servers, the program under test, checked pages."""
