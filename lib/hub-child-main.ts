import './become-child';
import './backend/choose-child-process';
import { joinHub } from './backend/child-process';
joinHub();
import { backend } from './backend';
import { runChild } from './child';

/** The program of a child of the child_process backend. */
void runChild((decode) => backend.connectToParent(decode));
