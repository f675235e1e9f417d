import farm from './index.js';

export default farm;
export const { end } = farm;
export type { FarmOptions, WorkerCallback, Workers } from './types.js';
