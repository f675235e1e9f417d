'use strict';
exports.square = (x) => x * x;
