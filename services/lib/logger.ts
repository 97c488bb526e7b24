/** The part of pino that the services use; keys, tokens and content never go in. */
export type Logger = {
  debug(data: object, message: string): void;
  info(data: object, message: string): void;
  warn(data: object, message: string): void;
  error(data: object, message: string): void;
};

/** Says nothing: for tests and for library use. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
