import { host_log } from "./imports";
import { bytesOf } from "./text";

/**
 * Writes to the host's log, which adds the plugin, the handler and the request id
 * and escapes control characters. A message is cut after 8 KiB.
 */
export namespace log {
  export function debug<T>(message: T): void {
    at(0, bytesOf<T>(message));
  }
  export function info<T>(message: T): void {
    at(1, bytesOf<T>(message));
  }
  export function warn<T>(message: T): void {
    at(2, bytesOf<T>(message));
  }
  export function error<T>(message: T): void {
    at(3, bytesOf<T>(message));
  }
}

function at(level: u32, message: Uint8Array): void {
  host_log(level, message.dataStart, message.length);
}
