// Package net calls other machines and tries again when they do not answer.
package net

import "time"

// RetryWithBackoff calls the function until it succeeds; the delay doubles after every failed attempt.
func RetryWithBackoff(attempts int, delay time.Duration, call func() error) error {
	var err error
	for i := 0; i < attempts; i++ {
		if err = call(); err == nil {
			return nil
		}
		time.Sleep(delay)
		delay *= 2
	}
	return err
}
