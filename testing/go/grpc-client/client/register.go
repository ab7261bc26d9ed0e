package client

import (
	"context"
	"time"

	"google.golang.org/grpc"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

// The deadlines that kubelet gives (pluginmanager/operationexecutor/operation_generator.go).
const (
	infoTimeout   = time.Second
	notifyTimeout = 5 * time.Second
)

// info is what a plugin says of itself.
type info struct {
	Type              string   `json:"type"`
	Name              string   `json:"name"`
	Endpoint          string   `json:"endpoint"`
	SupportedVersions []string `json:"supported_versions"`
}

// register asks as kubelet does, then tells the plugin that it is registered
// or, with an error, that it is refused.
func register(ctx context.Context, connection *grpc.ClientConn, refusal string) (*info, error) {
	client := registration.NewRegistrationClient(connection)
	asking, cancel := context.WithTimeout(ctx, infoTimeout)
	defer cancel()
	plugin, err := client.GetInfo(asking, &registration.InfoRequest{})
	if err != nil {
		return nil, err
	}
	telling, cancel := context.WithTimeout(ctx, notifyTimeout)
	defer cancel()
	status := &registration.RegistrationStatus{PluginRegistered: refusal == "", Error: refusal}
	if _, err := client.NotifyRegistrationStatus(telling, status); err != nil {
		return nil, err
	}
	return &info{plugin.Type, plugin.Name, plugin.Endpoint, plugin.SupportedVersions}, nil
}
