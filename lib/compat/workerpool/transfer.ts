/** A value to send, and what of it is given up by the sender. Between processes it is copied. */
export class Transfer {
  message: object;
  transfer: object[];

  constructor(message: object, transfer: object[]) {
    this.message = message;
    this.transfer = transfer;
  }
}
