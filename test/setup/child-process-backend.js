'use strict';
// Read when the library is loaded; children have that of their parent.
process.env['FORKFUL_BACKEND'] = 'child_process';
