import { getLineInfo, parse } from 'acorn';
import { full } from 'acorn-walk';

/**
 * @typedef {object} JavaScriptFacts
 * @property {number} functions
 * @property {number} nodes of the syntax tree
 * @property {number} complexity the sum over all functions and the module itself
 * @property {{ name: string, line: number, complexity: number }[]} worst the most complex functions, worst first
 */

/** So many functions of a file can make it into a report of so many functions. */
export const WORST = 5;

export function isJavaScript(path) {
  return /\.[cm]?js$/.test(path);
}

/** @returns {{ js: JavaScriptFacts } | { problem: import('./facts.mjs').Problem }} */
export function inspectJavaScript(path, source) {
  try {
    return { js: measure(parseAsNode(path, source), source) };
  } catch (error) {
    // How deep is too deep depends on what else is on the stack.
    if (error instanceof RangeError || /stack space/.test(error.message)) {
      return { problem: { kind: 'too deep', detail: 'nested too deeply to parse' } };
    }
    return { problem: { kind: 'unparsable', detail: error.message } };
  }
}

/** .mjs is a module and .cjs is not; .js can be either, and the looks of it say what to try first. */
function parseAsNode(path, source) {
  const asModule = () => parse(source, { ecmaVersion: 'latest', sourceType: 'module' });
  const asScript = () =>
    parse(source, { ecmaVersion: 'latest', sourceType: 'script', allowReturnOutsideFunction: true });
  if (path.endsWith('.mjs')) return asModule();
  if (path.endsWith('.cjs')) return asScript();
  const [first, second] = /^\s*(?:import|export)\b/m.test(source)
    ? [asModule, asScript]
    : [asScript, asModule];
  try {
    return first();
  } catch (error) {
    try {
      return second();
    } catch {
      throw error;
    }
  }
}

/** McCabe's number is 1 + the places where the control flow divides. */
function divides(node) {
  switch (node.type) {
    case 'IfStatement':
    case 'ConditionalExpression':
    case 'LogicalExpression':
    case 'ForStatement':
    case 'ForInStatement':
    case 'ForOfStatement':
    case 'WhileStatement':
    case 'DoWhileStatement':
    case 'CatchClause':
      return true;
    case 'SwitchCase':
      return node.test !== null;
    case 'AssignmentExpression':
      return node.operator === '&&=' || node.operator === '||=' || node.operator === '??=';
    default:
      return false;
  }
}

function isFunction(node) {
  return /^(?:FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type);
}

/** A function takes its name from itself, or from where it is put. */
const PLACES = {
  VariableDeclarator: ({ init, id }) => [init, id],
  AssignmentExpression: ({ right, left }) => [right, left],
  AssignmentPattern: ({ right, left }) => [right, left],
  Property: ({ value, key }) => [value, key],
  MethodDefinition: ({ value, key }) => [value, key],
  PropertyDefinition: ({ value, key }) => [value, key],
};

function nameOf(node) {
  switch (node?.type) {
    case 'Identifier':
      return node.name;
    case 'PrivateIdentifier':
      return `#${node.name}`;
    case 'Literal':
      return String(node.value);
    case 'MemberExpression':
      return nameOf(node.property);
    default:
      return '(anonymous)';
  }
}

function measure(tree, source) {
  const functions = new Map();
  let nodes = 0;
  // Children come before their parents: when a function comes, the tail of this stack that starts within it is its
  // own, because inner functions have taken theirs.
  const divisions = [];
  full(tree, (node) => {
    nodes++;
    if (divides(node)) divisions.push(node.start);
    if (isFunction(node)) {
      let own = 1;
      for (; divisions.length > 0 && divisions[divisions.length - 1] >= node.start; own++) divisions.pop();
      functions.set(node, { name: nameOf(node.id), start: node.start, complexity: own });
      return;
    }
    const [value, place] = PLACES[node.type]?.(node) ?? [];
    const fn = functions.get(value);
    if (fn?.name === '(anonymous)') fn.name = nameOf(place);
  });
  const all = [...functions.values()];
  let complexity = 1 + divisions.length;
  for (const fn of all) complexity += fn.complexity;
  const worst = all
    .sort((a, b) => b.complexity - a.complexity || a.start - b.start)
    .slice(0, WORST)
    .map(({ name, start, complexity }) => ({ name, line: getLineInfo(source, start).line, complexity }));
  return { functions: all.length, nodes, complexity, worst };
}
