export { load, type Callable, type Loaded } from './load';
export {
  inline,
  instanceReference,
  NamedTarget,
  ref,
  referTo,
  refs,
  type References,
  type TargetReference,
} from './reference';
