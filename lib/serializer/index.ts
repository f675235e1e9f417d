export { registerClass } from './classes';
export { Reader } from './reader';
export { registerSharedBuffer, sharedViewHandle } from './shared-views';
export { HANDLE, type HandleSink, type HandleSource } from './tags';
export { Writer } from './writer';
