// This checkout's build. By its own name it is not to be found from here: bench is a package of its own.
export * from '../dist/index.mjs';
export * from '../dist/shm/index.mjs';
