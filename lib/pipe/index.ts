export type { Bytes, ReceiveBytesOptions } from './bytes';
export { Connection } from './connection';
export { Pipe, type PipeOptions } from './pipe';
