// What PromQL expressions name, by Prometheus' own grammar.
//
//   node analyse.cjs MODULES <expressions.json     a JSON array of strings; MODULES holds node_modules
//
// Prints an array of {error, selectors: [{name, labels, within}], grouping, made, inner}: the labels of by, on
// and their like; those that label_replace and label_join make; and the expression with each comparison
// answering 0 or 1 instead of filtering, without what `unless` takes away and what `absent` asks for.

const { createRequire } = require('node:module');
const path = require('node:path');

const { parser } = createRequire(path.resolve(process.argv[2], 'x'))('@prometheus-io/lezer-promql');
const COMPARISONS = new Set(['Gtr', 'Gte', 'Lss', 'Lte', 'Eql', 'Neq']);
const MAKERS = new Set(['LabelReplace', 'LabelJoin']);

function children(node, name) {
  const found = [];
  for (let child = node.firstChild; child; child = child.nextSibling) {
    if (!name || child.name === name) found.push(child);
  }
  return found;
}

function analyse(text) {
  const of = (node) => text.slice(node.from, node.to);
  const unquoted = (node) => of(node).slice(1, -1);
  const result = { error: null, selectors: [], grouping: [], made: [], inner: null };

  function selector(node, within) {
    const identifier = children(node, 'Identifier')[0];
    const matchers = children(node, 'LabelMatchers').flatMap((list) => children(list, 'UnquotedLabelMatcher'));
    const labels = matchers.map((matcher) => {
      const [label, operator, value] = children(matcher);
      return { name: of(label), operator: of(operator), value: unquoted(value) };
    });
    const named = labels.find((label) => label.name === '__name__');
    result.selectors.push({ name: identifier ? of(identifier) : named ? named.value : null, labels, within });
  }

  function walk(node, within) {
    if (node.type.isError) result.error ??= `not PromQL at character ${node.from + 1}`;
    if (node.name === 'VectorSelector') return selector(node, within);
    if (node.name === 'GroupingLabels') result.grouping.push(...children(node).map(of));
    if (node.name === 'FunctionCall') {
      const [identifier, body] = children(node);
      if (MAKERS.has(identifier.firstChild?.name)) result.made.push(unquoted(children(body, 'StringLiteral')[0]));
      within = [...within, of(identifier)];
    }
    for (const child of children(node)) walk(child, within);
  }

  // The node's text with the changes that make it answer wherever its series exist.
  function inner(node) {
    const parts = children(node);
    if (node.name === 'BinaryExpr') {
      const operator = parts.find((part) => part.name === 'Unless' || COMPARISONS.has(part.name));
      if (operator?.name === 'Unless') return inner(parts[0]);
      if (operator && !children(node, 'BoolModifier').length) return rebuilt(node, operator, ' bool');
    }
    if (node.name === 'FunctionCall' && ['Absent', 'AbsentOverTime'].includes(parts[0].firstChild?.name)) {
      return inner(parts[1].firstChild);
    }
    return rebuilt(node);
  }

  function rebuilt(node, marked, addition) {
    let made = '';
    let at = node.from;
    for (const part of children(node)) {
      made += text.slice(at, part.from) + inner(part);
      if (marked && part.from === marked.from && part.to === marked.to) made += addition;
      at = part.to;
    }
    return made + text.slice(at, node.to);
  }

  const top = parser.parse(text).topNode;
  walk(top, []);
  if (!result.error) result.inner = inner(top);
  return result;
}

let input = '';
process.stdin.on('data', (chunk) => (input += chunk));
process.stdin.on('end', () => process.stdout.write(JSON.stringify(JSON.parse(input).map(analyse))));
