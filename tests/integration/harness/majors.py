"""A test for each supported major."""


class EveryMajor:
    """Beside a TestCase that has run_major(major)."""

    def test_13(self):
        self.run_major(13)

    def test_14(self):
        self.run_major(14)

    def test_15(self):
        self.run_major(15)

    def test_16(self):
        self.run_major(16)

    def test_17(self):
        self.run_major(17)

    def test_18(self):
        self.run_major(18)
