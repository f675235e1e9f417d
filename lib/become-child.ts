import { becomeChild } from './current';

// Imported first: what is loaded later asks whether this is a child.
becomeChild();
