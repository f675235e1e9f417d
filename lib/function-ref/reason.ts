import { parses } from './inline';
import { isImportable, type Origin } from './origin';
import { pathOf } from './paths';
import { isClass, textOf, type Code } from './text';

/** What an error calls a target. `code` is the function of an object that has one. */
export function label(value: object, code: Code = value as Code): string {
  if (value !== code) return 'the object with run()';
  return `the ${isClass(code) ? 'class' : 'function'} ${code.name === '' ? '(anonymous)' : `"${code.name}"`}`;
}

/** Why no child could find it, and what would mend that. */
export function reason(value: object, code: Code, native: boolean, origin: Origin | undefined): string {
  if (native) return 'is native or bound code that no module exports: export a function that calls it';
  if (origin === undefined)
    return 'cannot be looked up, because this Node has no inspector or forbids it: name it, with ref()';
  if (!isImportable(origin.url)) {
    return (
      'is not defined in a file that a child could load, but by eval, a vm, the REPL, `node -e` or stdin ' +
      `("${origin.url}"): put it into a file and export it`
    );
  }
  const where = `is not exported by ${pathOf(origin.url, process.platform)}`;
  const closure = origin.scopes.find((scope) => scope.startsWith('Closure (') || scope === 'Block');
  if (closure !== undefined && value === code) {
    return `${where} and uses variables of the code around it (${closure}), which stay here: pass them as args`;
  }
  if (!parses(textOf(code)) && value === code) {
    return `${where}: it looks like a method, whose object stays here`;
  }
  return `${where}: export it`;
}
