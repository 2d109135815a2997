Network net {
  // depthwise
  Layer depthwise {
    Type: DSCONV
    Stride { X: 2, Y: 2 }
    Dimensions { K: 1, C: 32, R: 3, S: 3, Y: 9, X: 9 }
    Dataflow {
      SpatialMap(16, 16) C;
      TemporalMap(1, 1) K;
      TemporalMap(9, 8) Y;
      TemporalMap(9, 8) X;
      TemporalMap(3, 3) R;
      TemporalMap(3, 3) S;
      Cluster(4, P);
      SpatialMap(1, 1) C;
      TemporalMap(1, 1) K;
      TemporalMap(5, 4) Y;
      TemporalMap(3, 2) X;
      TemporalMap(3, 3) R;
      TemporalMap(3, 3) S;
    }
  }
}
