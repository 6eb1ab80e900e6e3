package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/absah-id/absah/signer"
)

// rewrite copies in to a temporary file, lets work make a tail for it and
// gives the file the name out. So out is whole or absent.
func rewrite(cmd *cobra.Command, in, out string, work func(signer.Input) (*signer.Result, error)) (*signer.Result, error) {
	src, err := openInput(in)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
		return nil, err
	}
	o, err := createOutput(out)
	if err != nil {
		return nil, err
	}
	defer o.discard()
	if err := o.restrict(info.Mode()); err != nil {
		return nil, err
	}
	bar := newProgress(cmd.ErrOrStderr(), "signing", 2*info.Size())
	defer bar.finish()
	size, err := o.copyFrom(cmd.Context(), src, bar)
	if err != nil {
		return nil, err
	}
	result, err := work(signer.Input{Reader: progressReader{o.file, bar}, Size: size})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", printable(in), err)
	}
	if err := o.append(result.Tail); err != nil {
		return nil, err
	}
	return result, o.commit()
}

// openInput opens a regular file; that it is missing is a usage error. It
// looks before it opens, since opening a pipe waits for its writer.
func openInput(name string) (*os.File, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, usageErrorf("%v", err)
	}
	if !info.Mode().IsRegular() {
		return nil, usageErrorf("%s is not a regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, usageErrorf("%v", err)
	}
	return f, nil
}
