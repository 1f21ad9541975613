"""Every expression of the dashboards is PromQL and names metrics and labels that pgbeacon, a rule or Prometheus has."""

import re
import unittest

from harness.promql import Registry, analyse, asked_by_boards, asked_by_rules

# Functions that make of a counter what can be looked at.
OF_COUNTERS = {"rate", "increase", "resets", "changes", "absent", "absent_over_time", "count_over_time"}


class Names(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.registry = Registry()
        cls.asked = asked_by_boards() + asked_by_rules()
        cls.analysed = list(zip(cls.asked, analyse(asked.expr for asked in cls.asked)))

    def test_there_is_something_to_look_at(self):
        self.assertGreater(len(self.asked), 200)

    def test_everything_is_promql(self):
        self.assertEqual([], [(asked.where, found["error"], asked.expr)
                              for asked, found in self.analysed if found["error"]])

    def test_every_metric_and_label_exists(self):
        wrong = []
        for asked, found in self.analysed:
            wrong += [f"{asked.where}: {problem}" for problem in self.problems(found)]
        self.assertEqual([], sorted(set(wrong)))

    def problems(self, found):
        possible = set(found["made"])
        for selector in found["selectors"]:
            try:
                labels = self.registry.labels_of(selector["name"])
            except KeyError:
                yield f"no metric {selector['name']}"
                return
            if labels is None:  # what a rule records, or ALERTS: any label
                possible = None
                continue
            for label in selector["labels"]:
                if label["name"] not in labels | {"__name__"}:
                    yield f"{selector['name']} has no label {label['name']}"
            if possible is not None:
                possible |= labels
        if possible is not None:
            for label in found["grouping"]:
                if label not in possible:
                    yield f"no metric here has a label {label}"

    def test_legends_name_labels_that_are_there(self):
        wrong = []
        for asked, found in self.analysed:
            labels = set(found["made"]) | set(found["grouping"])
            for selector in found["selectors"]:
                labels |= self.registry.labels_of(selector["name"]) or set()
            wrong += [f"{asked.where}: {label}" for label in re.findall(r"{{\s*(\w+)\s*}}", asked.legend)
                      if label not in labels]
        self.assertEqual([], wrong)

    def test_no_counter_is_drawn_as_it_is(self):
        wrong = []
        for asked, found in self.analysed:
            for selector in found["selectors"]:
                counter = self.registry.types.get(selector["name"]) == "counter"
                if asked.graph and counter and not OF_COUNTERS & set(selector["within"]):
                    # 0 * counter keeps a line at 0 where another series is absent.
                    if not re.search(r"\b0 \* \w+\(" + selector["name"], asked.expr):
                        wrong.append(f"{asked.where}: {selector['name']}")
        self.assertEqual([], wrong)

    def test_every_selector_of_a_board_is_about_the_chosen_instances(self):
        wrong = []
        for asked, found in self.analysed:
            if ".json" not in asked.where or "variable" in asked.where:
                continue
            for selector in found["selectors"]:
                matched = {label["name"]: label["value"] for label in selector["labels"]}
                if not matched.get("instance", "").startswith("xinstance") and not self.joined(asked.expr, selector):
                    wrong.append(f"{asked.where}: {selector['name']}")
        self.assertEqual([], wrong)

    @staticmethod
    def joined(expr, selector):
        """Whether `and on (instance) NAME` only narrows what the chosen instances gave."""
        return re.search(r"\band on \(instance(, job)?\) (last_over_time\()?" + selector["name"], expr)


if __name__ == "__main__":
    unittest.main()
