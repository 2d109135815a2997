Network net {
  // depthwise
  Layer depthwise {
    Type: DSCONV
    Stride { X: 2, Y: 2 }
    Dimensions { K: 1, C: 32, R: 3, S: 3, Y: 9, X: 9 }
    Dataflow {
      TemporalMap(3, 3) R;
      TemporalMap(3, 3) S;
      SpatialMap(1, 1) C;
      TemporalMap(3, 2) Y;
      TemporalMap(3, 2) X;
      Cluster(2, P);
      SpatialMap(1, 1) C;
    }
  }
}
