export { callableHere } from './here';
export { inline } from './inline';
export { instantiate, load, type Callable, type Loaded } from './load';
export { instanceReference, referTo } from './refer';
export { ref, refs, type AnyFunction, type References, type TargetReference } from './reference';
