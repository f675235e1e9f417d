import './become-child';
import { backend } from './backend';
import { runChild } from './child';

/** The program of a child that begins with a fresh Node. */
void runChild((decode) => backend.connectToParent(decode));
