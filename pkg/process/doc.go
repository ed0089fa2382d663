// Package process tells what the operating system knows of this process.
package process
